import fc from 'fast-check'
import type { Schema } from './conformance.js'

type Components = Readonly<Record<string, Schema>>

/** JSON values that a schema of the document allows. Throws for a keyword that it does not know how to meet. */
export function valuesOf(schema: Schema, components: Components): fc.Arbitrary<unknown> {
  const {
    $ref,
    enum: words,
    oneOf,
    type,
  } = schema as {
    $ref?: string
    enum?: readonly unknown[]
    oneOf?: readonly Schema[]
    type?: string | readonly string[]
  }
  if ($ref !== undefined) {
    const name = $ref.replace('#/components/schemas/', '')
    const named = components[name]
    if (named === undefined) throw new Error(`${$ref} refers to nothing.`)
    return valuesOf(named, components)
  }
  if (words !== undefined) return fc.constantFrom(...words)
  if (type === 'object') return objectsOf(schema, components)
  if (oneOf !== undefined) return fc.oneof(...oneOf.map((one) => valuesOf(one, components)))
  if (typeof type === 'object') return fc.oneof(...type.map((one) => valuesOf({ ...schema, type: one }, components)))
  switch (type) {
    case undefined:
      return fc.jsonValue({ maxDepth: 2 })
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.maxSafeInteger()
    case 'number':
      return fc.double({ noDefaultInfinity: true, noNaN: true })
    case 'string':
      return textsOf(schema)
    case 'array': {
      const { items = {}, minItems = 0 } = schema as { items?: Schema; minItems?: number }
      return fc.array(valuesOf(items, components), { minLength: minItems, maxLength: minItems + 5 })
    }
    default:
      throw new Error(`No values are known for the type ${type}.`)
  }
}

function textsOf({ format, pattern, minLength = 0 }: Schema): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern), { maxLength: 40 })
  switch (format) {
    case undefined:
      return fc.oneof(
        fc.string({ unit: 'grapheme', minLength: Number(minLength), maxLength: 20 }),
        fc.string({ unit: 'binary', minLength: Number(minLength), maxLength: 20 }),
      )
    case 'byte':
      return fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'date-time':
      return fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
        .map((at) => at.toISOString())
    case 'uri':
    case 'uri-reference':
      return fc.webUrl()
    default:
      throw new Error(`No texts are known for the format ${String(format)}.`)
  }
}

function objectsOf(schema: Schema, components: Components): fc.Arbitrary<unknown> {
  const {
    properties = {},
    required = [],
    additionalProperties,
    oneOf,
  } = schema as {
    properties?: Readonly<Record<string, Schema>>
    required?: readonly string[]
    additionalProperties?: boolean | Schema
    oneOf?: readonly { readonly required: readonly string[] }[]
  }
  if (oneOf !== undefined) {
    // Of names that exclude each other, one is there and the others are not.
    const exclusive = new Set(oneOf.flatMap((one) => one.required))
    return fc.oneof(
      ...oneOf.map((one) => {
        const kept = Object.entries(properties).filter(([name]) => !exclusive.has(name) || one.required.includes(name))
        const { oneOf: _, ...rest } = schema
        const narrowed = { ...rest, properties: Object.fromEntries(kept), required: [...required, ...one.required] }
        return objectsOf(narrowed, components)
      }),
    )
  }
  if (typeof additionalProperties === 'object') {
    return fc.dictionary(fc.string({ maxLength: 10 }), valuesOf(additionalProperties, components), { maxKeys: 4 })
  }
  const members = Object.entries(properties).map(([name, property]) => [name, valuesOf(property, components)])
  return fc.record<Record<string, unknown>>(Object.fromEntries(members), { requiredKeys: [...required] })
}
