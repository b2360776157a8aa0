/** In the style of old: Lambda's newer runtimes refuse it. */
export const handler = (_event: unknown, _context: unknown, callback: (error: null, answer: string) => void): void =>
  callback(null, 'done')
