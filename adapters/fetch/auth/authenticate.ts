import { kindOf, refuseUnknownOptions } from '../../../core/options.js'
import type { Stage } from '../context.js'
import { ProblemError } from '../problem.js'
import { keyMatcher, parseKeys } from './keys.js'
import type { AuthScheme } from './scheme.js'

/** Bearer keys: one, or several while one is being replaced. Callers send `Authorization: Bearer <key>`. */
export interface BearerAuth {
  /** At least 16 visible ASCII characters each. */
  readonly bearer: string | readonly string[]
}

/** Who may post events. `'none'`: anyone who can reach this address. Of a list, any scheme suffices. */
export type FetchHandlerAuth = 'none' | BearerAuth | AuthScheme | readonly (BearerAuth | AuthScheme)[]

/** The schemes of `auth`, checked; `undefined`: it lets everybody in. */
export function schemesOf(auth: FetchHandlerAuth | undefined): readonly AuthScheme[] | undefined {
  if (auth === 'none') return undefined
  const given: readonly unknown[] = Array.isArray(auth) ? auth : [auth]
  if (given.length === 0 || typeof given[0] !== 'object' || given[0] === null) {
    throw new TypeError(
      "Who may post events? Pass auth: { bearer: '<key>' }, or auth: 'none' to let in everyone who can reach this address.",
    )
  }
  return given.map(parseScheme)
}

/** Names the caller, or ends the request with a 401. Undefined where everybody may pass. */
export function authenticating(schemes: readonly AuthScheme[] | undefined): Stage | undefined {
  if (schemes === undefined) return undefined
  return async (context, next) => {
    for (const scheme of schemes) {
      const ask = async () => scheme.authenticate(context.request, () => context.readBody())
      const caller = await (scheme.settles ? ask() : context.within(ask))
      // An empty name is a header that was not there, more often than anybody's.
      if (typeof caller !== 'string' || caller === '') continue
      context.caller = caller
      return next()
    }
    throw unauthorized(schemes)
  }
}

function parseScheme(auth: unknown): AuthScheme {
  const scheme = auth as Partial<AuthScheme & BearerAuth> | null | undefined
  if (typeof scheme?.authenticate === 'function' && typeof scheme.hint === 'string') return scheme as AuthScheme
  if (typeof scheme !== 'object') {
    throw new TypeError(
      `A scheme in auth must be { bearer } or what a function such as basicAuth makes; received ${kindOf(auth)}.`,
    )
  }
  refuseUnknownOptions('auth', scheme, new Set(['bearer']))
  const matching = keyMatcher(parseKeys('auth.bearer', scheme?.bearer))
  return {
    settles: true,
    hint: 'the header Authorization: Bearer <key>',
    challenge: 'Bearer realm="events"',
    security: [{ type: 'http', scheme: 'bearer' }],
    async authenticate({ headers }) {
      const presented = /^bearer +([\x21-\x7e]+)$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1]
      const name = presented === undefined ? undefined : await matching(presented)
      return name && `bearer:${name}`
    },
  }
}

function unauthorized(schemes: readonly AuthScheme[]): ProblemError {
  const hints = schemes.map(({ hint }) => hint).join(', or ')
  const challenges = schemes.flatMap(({ challenge }) => challenge ?? [])
  return new ProblemError(
    'unauthorized',
    `This request shows no key that is known here. Send ${hints}, as the front door was set up with.`,
    challenges.length === 0 ? {} : { 'www-authenticate': challenges.join(', ') },
  )
}
