/** A place in the input between two records, and what lies before it. */
export interface Position {
  /** How many records lie before it; empty ones and a header count. */
  readonly records: number
  /** In bytes from the start; of gzip input: of what is in it. */
  readonly offset: number
  /** CRC-32 of all bytes before it. It tells a changed file from a grown one; it is no defence against forgery. */
  readonly checksum: number
  /** Whether the record before it was ended by the end of the input instead of a newline. */
  readonly isOpen: boolean
}

export const start: Position = { records: 0, offset: 0, checksum: 0, isOpen: false }
