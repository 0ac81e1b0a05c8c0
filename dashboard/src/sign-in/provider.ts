/** The OpenID provider: authorization code with PKCE, renewed by refresh token. Loaded when it is needed. */
import { ErrorResponse, OidcClient, WebStorageStateStore } from "oidc-client-ts";
import type { Config } from "../api/config";
import { type Journey, PATH, Refused, type Tokens } from "./tokens";

const PASSING = new Set(["temporarily_unavailable", "server_error"]);
const PATIENCE_SECONDS = 15;

export class Provider {
  readonly #client: OidcClient;
  readonly #scope: string;

  constructor({ client_id = "", tenant_id = "", authority, scope }: Config) {
    // An app that asks for itself must name itself by its id (AADSTS90009).
    this.#scope = `openid profile offline_access ${scope || `${client_id}/.default`}`;
    const store = new WebStorageStateStore({ store: sessionStorage });
    this.#client = new OidcClient({
      authority: authority || `https://login.microsoftonline.com/${tenant_id}/v2.0`,
      client_id, scope: this.#scope, redirect_uri: `${location.origin}${PATH}`, post_logout_redirect_uri: `${location.origin}${PATH}`,
      response_mode: "fragment", // what is in a fragment is sent to no server and in no log
      stateStore: store, fetchRequestCredentials: "omit", requestTimeoutInSeconds: PATIENCE_SECONDS,
    });
  }

  /** The address to send somebody to. */
  async wayIn(journey: Journey): Promise<string> {
    await this.#client.clearStaleState();
    return (await this.#client.createSigninRequest({ state: journey })).url;
  }

  /** The address to send somebody to who leaves; without their ID token, which would be in it. */
  async wayOut(): Promise<string> {
    return (await this.#client.createSignoutRequest()).url;
  }

  /** Tokens for what the provider has sent back in the address. */
  async redeem(address: string): Promise<{ tokens: Tokens; journey: Journey }> {
    const answer = await this.#asked(() => this.#client.processSigninResponse(address));
    return { tokens: this.#tokens(answer), journey: answer.userState as Journey };
  }

  /** New tokens for old ones. */
  async renew(old: Tokens): Promise<Tokens> {
    if (!old.refresh_token) throw new Refused("There is nothing to renew the sign-in with.");
    // Always what was asked for at first: the provider's answer lists more, and takes that for another question (AADSTS70011).
    const state = { refresh_token: old.refresh_token, scope: this.#scope, session_state: null, profile: { sub: old.subject, iss: "", aud: "", exp: 0, iat: 0 } };
    return this.#tokens({ refresh_token: old.refresh_token, ...(await this.#asked(() => this.#client.useRefreshToken({ state }))) });
  }

  #tokens(answer: { access_token: string; refresh_token?: string | undefined; expires_at?: number | undefined; profile: { sub: string } }): Tokens {
    const { access_token, refresh_token = "", expires_at = Date.now() / 1_000 + 300, profile } = answer;
    return { access_token, refresh_token, expires_at, subject: profile.sub };
  }

  async #asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof ErrorResponse && !PASSING.has(error.error ?? "")) throw new Refused(error.error_description || error.message, { cause: error.state });
      throw error;
    }
  }
}
