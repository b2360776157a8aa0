/** What a worker answers with, as the host decodes it. */
interface HostData {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
}

/**
 * The events that the host's own Event Hubs binding makes of one output, or an error where it has one: as
 * azure-functions-host does it (FunctionBinding.ReadAsEnumerable, and BindAsyncCollectorAsync into bytes, the type that
 * it takes for outputs of which nothing is said). Its JSON is Newtonsoft's: objects come out indented, `true` as `True`.
 */
export function eventsOfHostBinding({ string, json, bytes }: HostData): Buffer[] {
  if (bytes) return [Buffer.from(bytes)]
  const value: unknown = json === undefined ? string : JSON.parse(json)
  return asList(value).map((element) => Buffer.from(toNewtonsoftText(element)))
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (typeof value !== 'string' || !looksLikeJson(value.trim())) return [value]
  const parsed: unknown = JSON.parse(value)
  return Array.isArray(parsed) ? parsed : [parsed]
}

function looksLikeJson(text: string): boolean {
  return (text.startsWith('{') && text.endsWith('}')) || (text.startsWith('[') && text.endsWith(']'))
}

function toNewtonsoftText(element: unknown): string {
  if (typeof element === 'boolean') return element ? 'True' : 'False'
  return typeof element === 'object' && element !== null ? JSON.stringify(element, null, 2) : String(element)
}
