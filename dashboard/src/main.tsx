import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/client";
import { start } from "./api/live";
import "./app.css";
import { routeTree } from "./routes";
import { applyTheme } from "./ui/prefs";

applyTheme();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
      retryDelay: (count) => 500 * 2 ** count,
      throwOnError: false,
    },
  },
});

const router = createRouter({
  routeTree,
  context: { queries },
  defaultPreload: "intent",
  defaultPendingMs: 150,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

start(queries);
const root = document.getElementById("root");
if (root) createRoot(root).render(<QueryClientProvider client={queries}><RouterProvider router={router} /></QueryClientProvider>);
