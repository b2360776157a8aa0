import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `condition` holds: for what another process does, and tells nobody. Rejects after `timeoutInMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutInMs = 10_000,
): Promise<void> {
  const end = Date.now() + timeoutInMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited ${timeoutInMs} ms in vain until ${what}.`)
    await sleep(10)
  }
}
