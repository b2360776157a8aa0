/**
 * What Azure's Python and JavaScript clients call an option, where the name here is another one. Those that differ in
 * spelling alone (`max_buffer_length`, `max_wait_time`) need no line. Keys are spelled as `normalized` spells them.
 */
const namesElsewhere: ReadonlyMap<string, string> = new Map([
  // azure-eventhub (Python)
  ['bufferconcurrency', 'maxConcurrentSends'],
  ['retrytotal', 'retryOptions.maxRetries'],
  ['retrybackofffactor', 'retryOptions.retryDelayInMs'],
  ['retrybackoffmax', 'retryOptions.maxRetryDelayInMs'],
  ['retrymode', 'retryOptions.mode'],
  ['connectionverify', 'tls'],
  ['sslcontext', 'tls'],
  ['loggingenable', 'logger'],
  ['uamqptransport', 'transportType'],
  ['proxyhostname', 'hostname'],
  ['proxyport', 'port'],
  // @azure/event-hubs (JavaScript)
  ['maxeventbufferlengthperpartition', 'maxBufferLength'],
  ['onsendeventssuccesshandler', 'onSuccess'],
  ['onsendeventserrorhandler', 'onError'],
  ['websocketoptions', 'transportType'],
  // Options that other JavaScript APIs call otherwise
  ['signal', 'abortSignal'],
])

/** The known name that a wrong one most likely stands for; undefined when none is near. */
export function nearestName(wrong: string, known: ReadonlySet<string>): string | undefined {
  const plain = normalized(wrong)
  const names = [...known]
  return (
    names.find((name) => normalized(name) === plain) ??
    nameElsewhere(plain, known) ??
    names.find((name) => withoutUnit(normalized(name)) === withoutUnit(plain)) ??
    closest(plain, names)
  )
}

function normalized(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase()
}

/** `timeout`, `timeoutMs` and `timeout_seconds` all mean `timeoutInMs`. */
function withoutUnit(plain: string): string {
  return plain.replace(/(?:in)?(?:ms|millis|milliseconds|seconds|bytes)$/, '')
}

function nameElsewhere(plain: string, known: ReadonlySet<string>): string | undefined {
  const path = namesElsewhere.get(plain)
  if (path === undefined) return undefined
  const [outer = '', inner] = path.split('.')
  // Within `retryOptions` itself, its name is not part of the answer.
  if (inner !== undefined && known.has(inner)) return inner
  return known.has(outer) ? path : undefined
}

function closest(plain: string, names: readonly string[]): string | undefined {
  let found: string | undefined
  // A slip of the hand for every four letters; more would suggest what nobody meant.
  let fewest = Math.floor(plain.length / 4) + 1
  for (const name of names) {
    const distance = slipsBetween(plain, normalized(name))
    if (distance < fewest) [found, fewest] = [name, distance]
  }
  return found
}

/** Letters to add, drop, replace or swap with their neighbour (optimal string alignment distance). */
function slipsBetween(a: string, b: string): number {
  // By the lengths of their beginnings; out of the table lies infinity.
  const table: number[][] = []
  const at = (i: number, j: number) => table[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 0; i <= a.length; i++) {
    const row: number[] = []
    table.push(row)
    for (let j = 0; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const fewest = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      )
      row.push(i + j === 0 ? 0 : fewest)
    }
  }
  return at(a.length, b.length)
}
