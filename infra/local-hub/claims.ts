import { AmqpError } from './amqp/errors.js'
import { covers, type Right } from './sas.js'

// More than any client needs: one per link address. A hostile one is stopped here.
const maxClaims = 1000

/** What a connection has been allowed to do, by a token or by SASL PLAIN. */
export interface Claim {
  /** What it was made for, as a path: `hub/partitions/0`. The empty path is the whole namespace. */
  readonly path: string
  /** What is allowed there. */
  readonly rights: readonly Right[]
  /** Milliseconds since 1970; Infinity for what SASL PLAIN allows. */
  readonly expiresAt: number
}

/** How far a claim reaches: to what lies beneath its address too, or to that address alone. */
export type ClaimScope = 'prefix' | 'exact'

/** What one connection has been allowed to do. */
export class Claims {
  readonly #claims = new Map<string, Claim>()
  readonly #scope: ClaimScope
  readonly #now: () => number

  constructor(scope: ClaimScope, now: () => number) {
    this.#scope = scope
    this.#now = now
  }

  put(claim: Claim): void {
    if (this.#claims.size >= maxClaims && !this.#claims.has(claim.path)) {
      throw new AmqpError('amqp:resource-limit-exceeded', `A connection may hold at most ${maxClaims} claims.`)
    }
    this.#claims.set(claim.path, claim)
  }

  list(): Claim[] {
    return [...this.#claims.values()]
  }

  /** Whether any claim is alive. */
  get any(): boolean {
    return this.list().some((claim) => this.#isAlive(claim))
  }

  /** Throws `AmqpError` (`amqp:unauthorized-access`) unless a live claim covers `path` with one of `rights`. */
  require(path: string, rights: readonly Right[]): void {
    const covering = this.list().filter((claim) => this.#covers(claim, path))
    const alive = covering.filter((claim) => this.#isAlive(claim))
    if (alive.some((claim) => rights.some((right) => claim.rights.includes(right)))) return
    const names = rights.map((right) => `'${right}'`).join(', ')
    throw new AmqpError(
      'amqp:unauthorized-access',
      alive.length > 0
        ? `Unauthorized access. One of the rights ${names} is required for '${path}'.`
        : covering.length > 0
          ? `ExpiredToken: The token for '${path}' has expired. Put a new one with $cbs.`
          : `Unauthorized access. No token has been put for '${path}' on this connection.`,
    )
  }

  #covers(claim: Claim, path: string): boolean {
    if (claim.path === '' || this.#scope === 'prefix') return covers(claim.path, path)
    return claim.path === path
  }

  #isAlive(claim: Claim): boolean {
    return claim.expiresAt > this.#now()
  }
}
