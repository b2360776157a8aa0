import type { Connection } from 'rhea'

/**
 * Has rhea do at once what it does at the end of a turn: tell the outcomes that it has read, and write what was handed
 * over. What arrives together is read in one turn, so that without this the end of a link or connection would be told
 * first: events that had just been accepted would count as `unknown`, and others be written after that was said of them.
 */
export function finishTurn(connection: Connection): void {
  const { _process: process } = connection as unknown as { _process(): void }
  process.call(connection)
}

/** What rhea still does at the end of this turn is written nowhere: it would begin the heartbeat of a connection that is gone. */
export function writeNoMore(connection: Connection): void {
  Object.assign(connection, { output: () => {} })
}
