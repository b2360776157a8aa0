import { expect, test, vi } from 'vitest'
import { eventHubOutput } from '../../../adapters/azure-functions/index.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'

test('outside a worker an output is made without a word from @azure/functions', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const transportType = { send: () => {} } as never
  eventHubOutput({ connectionString, eventHubName: 'orders', clientOptions: { transportType } })
  await vi.dynamicImportSettled()
  expect(warn).not.toHaveBeenCalled()

  // The warning that would be there: this shows that the spy sees it.
  const { app } = await import('@azure/functions')
  app.hook.appTerminate(() => {})
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/test mode/))
})
