import type { CloudEvent } from './attributes.js'
import { encodeBase64 } from './base64.js'
import { isJson, isUtf8, parseMediaType } from './media-type.js'

/** An event in the CloudEvents JSON format 1.0. JSON data goes in as the text that it is. */
export function writeJsonCloudEvent(event: CloudEvent): string {
  const attributes = JSON.stringify(event.attributes).slice(0, -1)
  const data = dataMember(event)
  return data === undefined ? `${attributes}}` : `${attributes},${data}}`
}

function dataMember({ data, dataContentType }: CloudEvent): string | undefined {
  if (data === undefined) return undefined
  const type = dataContentType === undefined ? undefined : parseMediaType(dataContentType)
  const holdsJson = type !== undefined && isJson(type)
  if (typeof data === 'string') return `"data":${holdsJson ? data : JSON.stringify(data)}`
  const json = holdsJson && isUtf8(type.charset) ? jsonText(data) : undefined
  return json === undefined ? `"data_base64":"${encodeBase64(data)}"` : `"data":${json}`
}

/** Bytes that are said to be JSON, if they are: the format allows either member then, and consumers expect `data`. */
function jsonText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    JSON.parse(text)
    return text.trim()
  } catch {
    return undefined
  }
}
