import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const docs = read('docs/aws-lambda.md')

/** The parameters, from the file that reads them. */
const parameterNames = [
  ...(/const names = \[([^\]]*)\]/.exec(read('infra/aws/parameters.cjs'))?.[1] ?? '').matchAll(/'(\w+)'/g),
].map(([, name]) => name ?? '')

test('the walkthrough names every setting that the code reads, and no other', () => {
  const code = ['environment.ts', 'forward-environment.ts', 'aws/call.ts']
    .map((file) => read(`adapters/aws-lambda/${file}`))
    .concat(read('infra/entrypoints/http-lambda.ts'))
    .join('\n')
  const variables = (text: string) =>
    new Set([...text.matchAll(/\b((?:EVENTHUB|FORWARD|FRONT_DOOR)_[A-Z_]*[A-Z])\b/g)].map(([name]) => name))
  expect([...variables(docs)].sort()).toEqual([...variables(code)].sort())
  expect(variables(docs).size).toBeGreaterThan(10)
})

test('every parameter of a command is one that the deployment knows, and each is explained in serverless.yml', () => {
  const used = [...docs.matchAll(/--param=(\w+)/g)].map(([, name]) => name)
  expect(used.length).toBeGreaterThan(10)
  for (const name of used) expect(parameterNames).toContain(name)
  const [head = ''] = read('serverless.yml').split(/^service:/m)
  for (const name of parameterNames) expect(head).toContain(name)
})

test('every function in the table of functions is deployed, and the other way round', async () => {
  const rows = docs.slice(docs.indexOf('| function |'), docs.indexOf('Each has a role')).split('\n').slice(2)
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''))
  const functions = createRequire(import.meta.url)('../../infra/aws/functions.cjs')
  const given: Record<string, string> = {
    kinesisStreamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/a',
    dynamodbStreamArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/a/stream/b',
  }
  const resolveVariable = async (text: string) => given[/^param:(\w+)/.exec(text)?.[1] ?? ''] ?? null
  expect(named.sort()).toEqual(Object.keys(await functions({ resolveVariable })).sort())
})

test('the errors in the table of failures are those that the code says', () => {
  const sources = readdirSync(new URL('../../adapters/aws-lambda/', import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`adapters/aws-lambda/${file}`))
    .concat(read('core/invocation.ts'), read('core/auth/token-cache.ts'), read('core/amqp/claims.ts'))
    .join('\n')
  for (const words of [
    'Where should events go?',
    'OutboundWebIdentityFederationDisabledException',
    'The credential gave no token: ',
    'The service refused the token ',
    'In a VPC ',
    'The time of the invocation ran out ',
    'Event Hubs can never take ',
    ', which its sources option (',
    'The partitionKey option ',
  ]) {
    expect(docs).toContain(words.trimEnd())
    expect(sources).toContain(words)
  }
})
