/** JSON Schema, as far as OpenAPI 3.1 and Swagger 2.0 share it; what only the first knows is taken out for the second. */
export interface Schema {
  readonly [keyword: string]: unknown
}

/** Refers to a schema of `schemas` by its name, as the document that it stands in does. */
export type Refer = (name: SchemaName) => Schema

export type SchemaName =
  | 'Batch'
  | 'BatchItem'
  | 'CloudEvent'
  | 'EventResult'
  | 'EventsAnswer'
  | 'Partitions'
  | 'Pending'
  | 'Problem'
  | 'Status'

const advanced: Schema = { 'x-ms-visibility': 'advanced' }
const text = (title: string, description: string): Schema => ({ type: 'string', title, description })
const count = (title: string, description: string): Schema => ({ type: 'integer', minimum: 0, title, description })

/** The named schemas of both documents. A property's `title` is its `x-ms-summary` in Swagger. */
export function schemas(refer: Refer, maxEventsPerRequest: number): Readonly<Record<SchemaName, Schema>> {
  const answer = {
    results: {
      type: 'array',
      items: refer('EventResult'),
      title: 'Results',
      description: 'One for each event of the request, in its order.',
    },
    accepted: count('Accepted', 'How many events are in the event hub.'),
    failed: count('Failed', 'How many are not, or are not known to be.'),
  }
  const retryAfterInMs = {
    type: 'number',
    minimum: 0,
    title: 'Retry After (ms)',
    description: 'How long to wait before sending it again, in milliseconds.',
  }
  return {
    EventResult: {
      type: 'object',
      required: ['index', 'status', 'retryable'],
      properties: {
        index: count('Index', 'Position in the request, from 0.'),
        id: text('ID', "The event's own id, where it has one."),
        status: {
          type: 'string',
          enum: ['accepted', 'refused', 'unknown', 'returned', 'invalid'],
          title: 'Status',
          description:
            'accepted: in the event hub. refused: Event Hubs or a limit said no. unknown: sent, and no answer came; sending it again may double it. returned: not sent. invalid: no event.',
        },
        code: text('Code', 'Stable reason of a failure.'),
        message: text('Message', 'What was wrong and what to do, for people.'),
        partitionId: text('Partition ID', 'Of a failure, where its partition was known.'),
        retryable: {
          type: 'boolean',
          title: 'Retryable',
          description: 'Whether sending the same event again, unchanged, can help.',
        },
        retryAfterInMs,
      },
    },
    EventsAnswer: {
      type: 'object',
      required: ['results', 'accepted', 'failed'],
      properties: {
        ...answer,
        problem: refer('Problem'),
      },
    },
    Problem: {
      type: 'object',
      description: 'Why a request failed, by RFC 9457; with results where the body came as far as events.',
      required: ['type', 'title', 'status', 'detail'],
      properties: {
        type: text('Type', 'A stable URN, one per kind of problem. Branch on this.'),
        title: text('Title', 'The kind of problem, for people.'),
        status: { type: 'integer', title: 'Status', description: 'The HTTP status, again.' },
        detail: text('Detail', 'What was wrong with this request, and what to do about it.'),
        ...answer,
        problem: refer('Problem'),
        retryAfterInMs,
      },
    },
    Batch: {
      type: 'object',
      required: ['events'],
      properties: {
        events: {
          type: 'array',
          minItems: 1,
          maxItems: maxEventsPerRequest,
          items: refer('BatchItem'),
          title: 'Events',
          description: 'The events to send.',
        },
      },
      additionalProperties: false,
    },
    BatchItem: {
      type: 'object',
      description: 'One event. Give exactly one of body, text and base64.',
      properties: {
        body: { title: 'Body', description: 'Any JSON; the event is this JSON, as it was sent.' },
        text: { ...text('Text', 'A text; the event is its UTF-8 bytes.'), ...advanced },
        base64: { ...text('Base64', 'Bytes, in padded base64.'), format: 'byte', ...advanced },
        partitionKey: text('Partition Key', 'Events with the same key go to the same partition, in order.'),
        id: { ...text('ID', "The event's message id; its result has it, too."), minLength: 1 },
        properties: {
          type: 'object',
          additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
          title: 'Properties',
          description: 'Application properties, which consumers can read without the body.',
        },
        contentType: { ...text('Content Type', 'The media type of the body.'), ...advanced },
      },
      additionalProperties: false,
      oneOf: [{ required: ['body'] }, { required: ['text'] }, { required: ['base64'] }],
    },
    CloudEvent: {
      type: 'object',
      description: 'A CloudEvent 1.0 in JSON format. Extensions are attributes beside these.',
      required: ['specversion', 'id', 'source', 'type'],
      properties: {
        specversion: { type: 'string', enum: ['1.0'], title: 'Version', description: 'Of CloudEvents.' },
        id: { ...text('ID', 'Unique within its source.'), minLength: 1 },
        source: { ...text('Source', 'Where it happened, a URI reference.'), minLength: 1, format: 'uri-reference' },
        type: { ...text('Type', 'What happened.'), minLength: 1 },
        subject: { ...text('Subject', 'Of what it happened.'), minLength: 1 },
        time: { ...text('Time', 'When it happened, by RFC 3339.'), format: 'date-time' },
        datacontenttype: { ...text('Content Type', 'The media type of data.'), minLength: 1 },
        dataschema: { ...text('Schema', 'The schema of data, a URI.'), minLength: 1, format: 'uri' },
        partitionkey: text('Partition Key', 'Events with the same key go to the same partition, in order.'),
        data: { title: 'Data', description: 'Any JSON.' },
        data_base64: { ...text('Data (Base64)', 'Bytes in place of data, in padded base64.'), format: 'byte' },
      },
    },
    Partitions: {
      type: 'object',
      required: ['partitionIds'],
      properties: {
        partitionIds: {
          type: 'array',
          items: { type: 'string' },
          title: 'Partition IDs',
          description: 'The ids of the partitions.',
        },
      },
    },
    Pending: {
      type: 'object',
      required: ['pending'],
      properties: { pending: count('Pending', 'How many events are on their way.') },
    },
    Status: {
      type: 'object',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ok'], title: 'Status', description: 'Always ok.' } },
    },
  }
}
