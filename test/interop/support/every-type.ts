import { types } from 'rhea'
import type { Neutral } from './readers.js'

/** A value of one AMQP type, and what each client makes of it. */
export interface TypedValue {
  readonly name: string
  /** As Proton has it: the type exactly. */
  readonly neutral: Neutral
  /** As it is given to Sluice; undefined where JavaScript's AMQP library cannot write the type. */
  readonly ours: unknown
  /** As the official Python client reads it. */
  readonly python: Neutral
  /** As the official JavaScript client reads it. */
  readonly javaScript: unknown
}

const integer = (type: string, value: bigint, ours: unknown, javaScript: unknown = Number(value)): TypedValue => ({
  name: `${type} ${value}`,
  neutral: [type, String(value)],
  ours,
  python: ['int', String(value)],
  javaScript,
})

/** The official JavaScript client takes bytes within properties apart. */
const apart = (bytes: Buffer) => ({ ...Uint8Array.from(bytes) })

const word = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}

const uuid = '01234567-89ab-cdef-0123-456789abcdef'
const when = 1_767_323_045_678
const long = 'ä'.repeat(400)
const bytesOf = (hex: string) => Buffer.from(hex, 'hex')
const hexOf = (text: string) => Buffer.from(text).toString('hex')

/** Every primitive type that a property can have (AMQP 1.0, part 1, section 1.6), at its ends and on its short forms. */
export const simpleTypes: readonly TypedValue[] = [
  { name: 'null', neutral: ['null', null], ours: null, python: ['None', null], javaScript: null },
  { name: 'true', neutral: ['boolean', true], ours: true, python: ['bool', true], javaScript: true },
  { name: 'false', neutral: ['boolean', false], ours: false, python: ['bool', false], javaScript: false },
  integer('ubyte', 255n, types.wrap_ubyte(255)),
  integer('ushort', 65535n, types.wrap_ushort(65535)),
  integer('uint', 0n, types.wrap_uint(0)),
  integer('uint', 7n, types.wrap_uint(7)),
  integer('uint', 4294967295n, types.wrap_uint(4294967295)),
  integer('ulong', 0n, types.wrap_ulong(0)),
  integer('ulong', 200n, types.wrap_ulong(200)),
  integer('ulong', 2n ** 64n - 1n, types.wrap_ulong(word(2n ** 64n - 1n) as never), apart(word(2n ** 64n - 1n))),
  integer('byte', -128n, types.wrap_byte(-128)),
  integer('short', -32768n, types.wrap_short(-32768)),
  integer('int', -1n, types.wrap_int(-1)),
  integer('int', -2147483648n, types.wrap_int(-2147483648)),
  integer('long', -1n, types.wrap_long(-1)),
  integer('long', 2n ** 40n, 2n ** 40n),
  integer('long', -(2n ** 63n), -(2n ** 63n), apart(word(-(2n ** 63n)))),
  { name: 'float', neutral: ['float', 1.5], ours: types.wrap_float(1.5), python: ['float', 1.5], javaScript: 1.5 },
  { name: 'double', neutral: ['double', 1e300], ours: 1e300, python: ['float', 1e300], javaScript: 1e300 },
  {
    name: 'timestamp',
    neutral: ['timestamp', String(when)],
    ours: new Date(when),
    python: ['int', String(when)],
    // The official client hands dates out as numbers.
    javaScript: when,
  },
  {
    name: 'uuid',
    neutral: ['uuid', uuid],
    ours: types.wrap_uuid(bytesOf(uuid.replaceAll('-', '')) as never),
    python: ['uuid', uuid],
    javaScript: apart(bytesOf(uuid.replaceAll('-', ''))),
  },
  {
    name: 'string',
    neutral: ['string', 'é日😀'],
    ours: 'é日😀',
    python: ['bytes', hexOf('é日😀')],
    javaScript: 'é日😀',
  },
  { name: 'long string', neutral: ['string', long], ours: long, python: ['bytes', hexOf(long)], javaScript: long },
  {
    name: 'symbol',
    neutral: ['symbol', 'a-symbol'],
    ours: types.wrap_symbol('a-symbol'),
    python: ['bytes', hexOf('a-symbol')],
    javaScript: 'a-symbol',
  },
  {
    name: 'binary',
    neutral: ['binary', '00ff80'],
    ours: bytesOf('00ff80'),
    python: ['bytes', '00ff80'],
    javaScript: apart(bytesOf('00ff80')),
  },
]

/** Types that this JavaScript library, or the Python SDK, cannot write or read: they still pass through the hub. */
export const rareTypes: readonly Neutral[] = [
  ['char', 'x'],
  ['char', '😀'],
  ['decimal32', '574619648'],
  ['decimal64', '2455302230195273728'],
  ['decimal128', '2208000000000000000000000000002a'],
]

/** What annotations and bodies of the value kind can hold besides. */
export const compoundTypes: readonly Neutral[] = [
  [
    'list',
    [
      ['int', '1'],
      ['string', 'two'],
      ['list', []],
    ],
  ],
  [
    'map',
    [
      [
        ['string', 'a'],
        ['ulong', '1'],
      ],
      [
        ['symbol', 'b'],
        ['null', null],
      ],
      [
        ['int', '3'],
        ['boolean', true],
      ],
    ],
  ],
  ['array', ['int', ['1', '-2', '3']]],
  ['array', ['string', ['a', 'é']]],
  ['array', ['symbol', []]],
  [
    'described',
    [
      ['symbol', 'of:ours'],
      ['list', [['long', '5']]],
    ],
  ],
]
