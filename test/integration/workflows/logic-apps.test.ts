import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const template = JSON.parse(readFileSync('infra/workflows/logic-apps/template.json', 'utf8'))
const [workflow] = template.resources
const { definition } = workflow.properties

interface Action {
  readonly runAfter: Readonly<Record<string, readonly string[]>>
  readonly actions?: Readonly<Record<string, Action>>
  readonly else?: { readonly actions: Readonly<Record<string, Action>> }
}

/** Every action, also those within others, with its siblings. */
function allActions(actions: Readonly<Record<string, Action>>): { name: string; action: Action; siblings: string[] }[] {
  return Object.entries(actions).flatMap(([name, action]) => [
    { name, action, siblings: Object.keys(actions) },
    ...allActions(action.actions ?? {}),
    ...allActions(action.else?.actions ?? {}),
  ])
}

test('every action runs after one beside it, and names only actions and parameters that there are', () => {
  const found = allActions(definition.actions)
  const names = found.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { action, siblings } of found) {
    for (const [before, states] of Object.entries(action.runAfter)) {
      expect(siblings).toContain(before)
      for (const state of states) expect(['Succeeded', 'Failed', 'Skipped', 'TimedOut']).toContain(state)
    }
  }
  const text = JSON.stringify(definition)
  for (const [, name] of text.matchAll(/(?:body|outputs|actions)\('([^']+)'\)/g)) expect(names).toContain(name)
  for (const [, name] of text.matchAll(/parameters\('([^']+)'\)/g)) {
    expect(Object.keys(definition.parameters)).toContain(name)
  }
})

test('the parameters of the template reach the definition, and the key is a secret all the way', () => {
  expect(Object.keys(workflow.properties.parameters)).toEqual(Object.keys(definition.parameters))
  const { resources, ...rest } = template
  const outside = JSON.stringify([rest, { ...workflow, properties: { ...workflow.properties, definition: {} } }])
  for (const [, name] of outside.matchAll(/parameters\('([^']+)'\)/g)) {
    expect(Object.keys(template.parameters)).toContain(name)
  }
  expect(resources).toHaveLength(1)
  expect(template.parameters.frontDoorKey.type).toBe('securestring')
  expect(definition.parameters.frontDoorKey.type).toBe('SecureString')
  // Without this, the key stands in the run's history.
  expect(definition.actions.Send_events.runtimeConfiguration.secureData.properties).toContain('inputs')
})

test('brackets and quotes of every expression close', () => {
  const expressions = [...JSON.stringify(definition).matchAll(/"(@[^"]*)"/g)].map(([, expression]) =>
    String(expression),
  )
  expect(expressions.length).toBeGreaterThan(5)
  for (const expression of expressions) {
    const bare = expression.replaceAll(/'[^']*'/g, '')
    expect(bare).not.toContain("'")
    expect(bare.split('(').length).toBe(bare.split(')').length)
    expect(bare.split('[').length).toBe(bare.split(']').length)
  }
})

test('it posts where the front door listens, and anything but a whole success fails the run', () => {
  const { inputs } = definition.actions.Send_events
  expect(inputs.uri).toContain("'/events:batch'")
  expect(inputs.headers['Idempotency-Key']).toBe('@workflow().run.name')
  expect(inputs.retryPolicy).toMatchObject({ type: 'exponential', count: 6 })
  expect(definition.actions.Not_accepted.runAfter.Send_events).toEqual(['Succeeded', 'Failed', 'TimedOut'])
  expect(definition.actions.If_any_was_not_accepted.actions.Fail.inputs.runStatus).toBe('Failed')
})
