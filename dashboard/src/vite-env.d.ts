/// <reference types="vite/client" />

/** Paths of the API this was built for; empty when they were not known then. */
declare const __API_PATHS__: string[];
