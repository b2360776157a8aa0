import type { Clock } from '../clock.js'
import { bounded, remainingTime, within } from '../deadline.js'
import { EventHubError, OperationTimeoutError } from '../errors.js'
import type { AuthToken, Logger, OperationLimits, TokenSource } from '../transport.js'
import {
  type EventHubCredential,
  isNamedKey,
  isTokenCredential,
  type NamedKeyCredential,
  type SasCredential,
  type TokenCredential,
} from './credential.js'
import { createSharedAccessSignature, expiryOfSharedAccessSignature } from './sas.js'

/** The scope every Azure SDK asks for; the second slash is part of it. */
const entraScope = 'https://eventhubs.azure.net//.default'
/** Signatures we make are good for an hour, as those of the official SDKs. */
const signatureLifetimeInMs = 60 * 60 * 1000
/** A signature is replaced after this share of its life. */
const signatureRefreshShare = 0.75
/** An Entra token that does not say when to renew it is renewed this long before it ends. */
const entraRefreshMarginInMs = 3 * 60 * 1000

/** While the old token holds, sends do not wait longer for a new one. */
const renewalPatienceInMs = 2000
/** Renewals are not tried more often. */
const shortestRenewalIntervalInMs = 30_000

export interface TokenCacheOptions {
  readonly clock: Clock
  /** Longest wait for a credential; 0: no limit but the caller's. */
  readonly authTimeoutInMs: number
  readonly logger?: Logger | undefined
}

/**
 * Tokens by audience, renewed by wall clock: a frozen process must see that time has passed. Holds
 * values only, never a pending promise, so that nothing crosses requests in runtimes that forbid it.
 */
export function createTokenSource(credential: EventHubCredential, options: TokenCacheOptions): TokenSource {
  const { clock } = options
  const cached = new Map<string, AuthToken>()
  /** Of a refresh that failed; told again only after one that did not. */
  let hasWarned = false

  if (isTokenCredential(credential)) {
    return {
      async getToken(_audience, limits) {
        // One Entra token serves every resource of the namespace.
        const known = cached.get('')
        const now = clock.wallNow()
        if (known && now < known.refreshAfter) return known
        const holds = known !== undefined && now < known.expiresOn
        const nextAttempt = now + shortestRenewalIntervalInMs
        try {
          const patience = holds ? within(clock, limits, renewalPatienceInMs) : authLimits(limits)
          const fetched = await fetchEntraToken(credential, clock, patience)
          // However little a token says it lives: not every send may ask for another.
          const token = { ...fetched, refreshAfter: Math.max(fetched.refreshAfter, nextAttempt) }
          cached.set('', token)
          return token
        } catch (error) {
          if (!holds) throw error
          // A renewal that fails is no reason to drop a token that still holds, nor to keep every send waiting.
          const kept = { ...known, refreshAfter: nextAttempt }
          cached.set('', kept)
          return kept
        }
      },
      invalidate: () => cached.delete(''),
    }
  }

  if (isNamedKey(credential)) {
    let signedWith = ''
    let rejected = false
    const known = (audience: string): AuthToken | undefined => {
      const { name, key } = credential
      // Key rotation: a signature made with another key is of no use any more.
      if (signedWith !== `${name}\n${key}`) cached.clear()
      signedWith = `${name}\n${key}`
      const token = cached.get(audience)
      return token && clock.wallNow() < token.refreshAfter ? token : undefined
    }
    return {
      async getToken(audience, limits) {
        const held = known(audience)
        if (held) return held
        if (credential.refresh) {
          await refresh(credential, rejected, limits)
          rejected = false
          const made = known(audience)
          if (made) return made
        }
        const { name, key } = credential
        const now = clock.wallNow()
        const expiresOnInSeconds = Math.floor((now + signatureLifetimeInMs) / 1000)
        const token: AuthToken = {
          token: await createSharedAccessSignature(audience, name, key, expiresOnInSeconds),
          type: 'servicebus.windows.net:sastoken',
          refreshAfter: now + signatureLifetimeInMs * signatureRefreshShare,
          expiresOn: expiresOnInSeconds * 1000,
        }
        if (signedWith === `${name}\n${key}`) cached.set(audience, token)
        return token
      },
      invalidate(audience) {
        cached.delete(audience)
        rejected = true
      },
    }
  }

  let isSignatureRejected = false
  return {
    async getToken(_audience, limits) {
      const end = () => expiryOfSharedAccessSignature(credential.signature) ?? Number.POSITIVE_INFINITY
      if (credential.refresh && (isSignatureRejected || end() <= clock.wallNow())) {
        await refresh(credential, isSignatureRejected, limits)
        isSignatureRejected = false
      }
      const expiresOn = end()
      if (expiresOn <= clock.wallNow()) {
        throw new EventHubError(
          `The Shared Access Signature expired at ${new Date(expiresOn).toISOString()}. Create a new one and assign it to the credential.`,
          { code: 'unauthorized', outcome: 'returned' },
        )
      }
      return {
        token: credential.signature,
        type: 'servicebus.windows.net:sastoken',
        refreshAfter: expiresOn,
        expiresOn,
      }
    },
    invalidate() {
      isSignatureRejected = true
    },
  }

  /** A store that cannot be asked is no reason not to try with what is known. */
  async function refresh(
    known: NamedKeyCredential | SasCredential,
    rejected: boolean,
    limits: OperationLimits,
  ): Promise<void> {
    const { signal } = limits
    // Called on the credential, which may be of a class of its own; and it may throw at the call.
    const ask = async () => known.refresh?.(signal ? { rejected, abortSignal: signal } : { rejected })
    const ranOut = () => new OperationTimeoutError('It took too long.')
    const patience = authLimits(limits)
    // Half of the time: what is known may well do, and needs the rest.
    const half = within(clock, patience, remainingTime(clock, patience.deadline) / 2)
    try {
      await bounded(clock, ask(), half, ranOut)
      hasWarned = false
    } catch (error) {
      if (hasWarned) return
      hasWarned = true
      const text = error instanceof Error ? error.message : String(error)
      options.logger?.warn?.(
        `eventhub-sluice: the credential's refresh failed, so its present secret stays in use: ${text}`,
      )
    }
  }

  function authLimits(limits: OperationLimits): OperationLimits {
    return options.authTimeoutInMs === 0 ? limits : within(clock, limits, options.authTimeoutInMs)
  }
}

async function fetchEntraToken(credential: TokenCredential, clock: Clock, limits: OperationLimits): Promise<AuthToken> {
  let answer: Awaited<ReturnType<TokenCredential['getToken']>>
  try {
    const asked = credential.getToken(entraScope, limits.signal ? { abortSignal: limits.signal } : {})
    answer = await bounded(
      clock,
      asked,
      limits,
      () =>
        new OperationTimeoutError(
          'The credential gave no token in time. Check that its identity endpoint can be reached from here, or raise authTimeoutInMs.',
        ),
    )
  } catch (error) {
    if (error instanceof EventHubError) throw error
    // Whether a credential's failure passes cannot be told from outside; identity libraries retry by themselves.
    throw new EventHubError(`The credential gave no token: ${error instanceof Error ? error.message : String(error)}`, {
      code: 'authentication-failed',
      cause: error,
    })
  }
  if (!answer?.token) {
    throw new EventHubError('The credential returned no token.', { code: 'authentication-failed' })
  }
  const now = clock.wallNow()
  const expiresOn = answer.expiresOnTimestamp
  const refreshAfter = answer.refreshAfterTimestamp ?? Math.max(now, expiresOn - entraRefreshMarginInMs)
  return { token: answer.token, type: 'jwt', refreshAfter, expiresOn }
}
