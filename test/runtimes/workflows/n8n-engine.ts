import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const nodePackage = fileURLToPath(new URL('../../../infra/workflows/n8n', import.meta.url))

export interface Item {
  readonly json: unknown
}

/** How the node ended. */
export interface Ended {
  readonly status: string
  readonly items: readonly Item[]
  readonly error?: { readonly message: string; readonly description?: string }
}

/** n8n's own loader and engine, with this repository's node in it. */
export interface N8n {
  readonly description: Readonly<Record<string, unknown>>
  /** Runs the node over the items. */
  run(items: readonly Item[], parameters: object, credentials: { url: string; key: string }): Promise<Ended>
  close(): void
}

/**
 * What the application `n8n` adds to its engine is stood in for: it keeps credentials, and puts them into requests as a
 * credential's `authenticate` says.
 */
export async function startN8n(): Promise<N8n> {
  const home = mkdtempSync(join(tmpdir(), 'sluice-n8n-'))
  // Read when n8n-core is loaded.
  Object.assign(process.env, { N8N_USER_FOLDER: home, N8N_ENCRYPTION_KEY: 'none', N8N_LOG_LEVEL: 'silent' })
  const core = require('n8n-core')
  const { Workflow, ICredentialsHelper, createRunExecutionData } = require('n8n-workflow')
  const loader = new core.PackageDirectoryLoader(nodePackage)
  await loader.loadAll()
  const nodeType = loader.getNode('eventHubSluice').type
  const credentialType = loader.getCredential('eventHubSluiceApi').type

  async function run(items: readonly Item[], parameters: object, credentials: object): Promise<Ended> {
    const node = {
      id: '1',
      name: 'Event Hub',
      type: 'n8n-nodes-eventhub-sluice.eventHubSluice',
      typeVersion: 1,
      position: [0, 0],
      parameters,
      credentials: { eventHubSluiceApi: { id: '1', name: 'front door' } },
    }
    const nodeTypes = { getByName: () => nodeType, getByNameAndVersion: () => nodeType, getKnownTypes: () => ({}) }
    const settings = { executionOrder: 'v1' }
    const workflow = new Workflow({ id: 'w', nodes: [node], connections: {}, active: false, nodeTypes, settings })
    class CredentialsHelper extends ICredentialsHelper {
      async getDecrypted(): Promise<object> {
        return credentials
      }
      async preAuthentication(): Promise<undefined> {}
      async runPreAuthentication(): Promise<undefined> {}
      isCredentialUsableByNode(): boolean {
        return true
      }
      getParentTypes(): string[] {
        return []
      }
      async authenticate(_given: object, _type: string, request: { headers: object }): Promise<object> {
        const headers = workflow.expression.getParameterValue(
          credentialType.authenticate.properties.headers,
          null,
          0,
          0,
          node.name,
          [],
          'internal',
          { $credentials: credentials },
        )
        return { ...request, headers: { ...request.headers, ...headers } }
      }
    }
    const data = createRunExecutionData({
      resultData: { runData: {} },
      executionData: {
        contextData: {},
        metadata: {},
        nodeExecutionStack: [{ node, data: { main: [items] }, source: null }],
        waitingExecution: {},
        waitingExecutionSource: {},
      },
    })
    const additionalData = {
      credentialsHelper: new CredentialsHelper(),
      executionId: '77',
      formWaitingBaseUrl: 'http://n8n.test/form',
      webhookWaitingBaseUrl: 'http://n8n.test/webhook',
      variables: {},
      hooks: new core.ExecutionLifecycleHooks('manual', '77', {}),
      setExecutionStatus: () => {},
    }
    const ended = await new core.WorkflowExecute(additionalData, 'manual', data).processRunExecutionData(workflow)
    const { error, runData } = ended.data.resultData
    return {
      status: ended.status,
      items: runData['Event Hub']?.[0]?.data?.main?.[0] ?? [],
      ...(error ? { error } : {}),
    }
  }

  return {
    description: nodeType.description,
    run,
    close: () => rmSync(home, { recursive: true, force: true }),
  }
}
