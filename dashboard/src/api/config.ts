/** What differs between two installations: where the API is, and where people sign in to it. */
export interface Config {
  /** Base of the API: a path beside the pages, or another origin. */
  api: string;
  /** Of the app registration; without one nobody signs in. */
  client_id?: string;
  tenant_id?: string;
  /** The OpenID provider; Entra ID's of the tenant if there is none. */
  authority?: string;
  /** Of the API, as an access token is asked for; all of the app registration's if there is none. */
  scope?: string;
}

/** `config.json` beside the pages; the page waits for nothing else before it is shown. */
export const config: Promise<Config> = fetch("/config.json")
  .then(async (answer) => (answer.ok ? ((await answer.json()) as Partial<Config>) : {}))
  .catch(() => ({}))
  .then((given: Partial<Config>) => ({ ...given, api: given.api || "/api" }));
