/** The typed client, and what goes wrong with a call. */
import createClient from "openapi-fetch";
import { config } from "./config";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Ticket = Omit<Schemas["TicketShown"], "approval"> & { approval?: unknown };
export type Attempt = Schemas["Attempt"];
export type TicketEvent = Schemas["Event"];
export type Status = Schemas["Status"];
export type Severity = Schemas["Severity"];

/** What a call came to when it did not come to what was asked for. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: { field: string; detail: string }[] = [],
    readonly trace = "",
  ) {
    super(detail || title);
  }

  /** The call is not part of this installation (yet). */
  get isMissing(): boolean {
    return this.status === 404 && this.code === "";
  }

  fieldError(name: string): string | undefined {
    return this.errors.find((one) => one.field === name)?.detail;
  }
}

let slowest = 0;

/** How long the last call took, in milliseconds: polling never asks faster than twice that. */
export const lastResponseMs = (): number => slowest;

async function moved(request: Request): Promise<Request> {
  const { api } = await config;
  return api === "/api" ? request : new Request(request.url.replace(`${location.origin}/api`, api), request);
}

export type Send = (request: Request) => Promise<Response>;
const send: Send = (request) => fetch(request, { redirect: "manual" });

/** Goes along with every request where people sign in: it has the token, and knows what a 401 means. */
let escort: ((request: Request, send: Send) => Promise<Response>) | undefined;

export function escortedBy(found: typeof escort): void {
  escort = found;
}

/** One request to wherever the API is; whatever it answers is an answer. */
export async function asked(request: Request): Promise<Response> {
  const there = await moved(request);
  return escort ? escort(there, send) : send(there);
}

async function timed(request: Request): Promise<Response> {
  const began = performance.now();
  let answer: Response;
  try {
    answer = await asked(request);
  } catch (error) {
    if (request.signal.aborted || error instanceof Problem) throw error;
    throw new Problem(0, "offline", "No answer", "The server cannot be reached. What you see may be old.");
  }
  slowest = performance.now() - began;
  if (answer.type === "opaqueredirect") throw new Problem(401, "signed-out", "Signed out", "Sign in again.");
  if (!answer.ok && answer.status !== 304) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer: Response): Promise<Problem> {
  let body: Partial<Schemas["Problem"]> & { instance?: string } = {};
  try {
    body = (await answer.json()) as typeof body;
  } catch {
    // Not one of the API's own answers.
  }
  const trace = answer.headers.get("x-request-id") ?? answer.headers.get("traceparent") ?? body.instance ?? "";
  const title = body.title ?? (answer.statusText || `Status ${answer.status}`);
  return new Problem(answer.status, body.code ?? "", title, body.detail ?? "", body.errors, trace);
}

export const api = createClient<paths>({ baseUrl: "/api", fetch: timed, querySerializer: { array: { style: "form", explode: false } } });

/** Calls that are not in the description of every installation. */
export async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { method, headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) } };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await timed(new Request(`${location.origin}/api/${path}`, init));
  return (await answer.json()) as T;
}

/** The data of a typed call; problems are thrown on the way. */
export async function data<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T;
}
