import { type LocalHub, type LocalHubOptions, startLocalHub } from '../local-hub/index.js'
import { loadAssets } from './assets.js'
import { Feed } from './feed.js'
import { HubPage } from './page.js'
import { pageRoutes } from './routes.js'

const tickInMs = 100

/** What tests replace. */
export interface HubPageOptions {
  /** Folder with the built page. Default: `static/` beside this module. */
  readonly assets?: URL
  /** The built producer-process.js. Default: the one beside this module. */
  readonly producerModule?: URL
  /** The wall clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /** Default: `process.platform`. Where it is `win32` the producer cannot be frozen. */
  readonly platform?: string
}

/** A local hub with its page. */
export interface HubWithPage {
  readonly hub: LocalHub
  /** Where the page is, such as `http://127.0.0.1:8090/`. */
  readonly url: string
  /** The process of the page's producer; undefined while there is none. */
  readonly producerProcessId: number | undefined
  /** Ends the page's producer and closes the hub. */
  close(): Promise<void>
}

/**
 * Starts a local hub that serves its page at `/` of its HTTP port: what arrives, connections, faults, and a producer of its
 * own to try them on. Without the page: `startLocalHub(options)`. Print `url`, or hand it to `openInBrowser`; close
 * what this returns, not the hub alone, so that the producer's process ends too.
 *
 * Options are those of `startLocalHub`; its hooks go on working. Rejects when a port is taken, or the page is not built.
 */
export async function startHubWithPage(options: LocalHubOptions = {}, own: HubPageOptions = {}): Promise<HubWithPage> {
  const { now = Date.now, platform } = own
  const assets = loadAssets(own.assets ?? new URL('./static/', import.meta.url))
  let started: LocalHub | undefined
  const hub = (): LocalHub => {
    if (started === undefined) throw new Error('The local hub has not started yet.')
    return started
  }
  const firstName = Object.keys(options.eventHubs ?? { events: {} })[0] ?? ''
  const page = new HubPage(hub, firstName, {
    producerModule: own.producerModule ?? new URL('./producer-process.js', import.meta.url),
    now,
    ...(platform !== undefined && { platform }),
  })
  const feed = new Feed(() => page.snapshot())
  const serve = pageRoutes({ assets, page, feed, hub })
  started = await startLocalHub({
    ...options,
    onBatch: (batch) => {
      page.onBatch(batch)
      options.onBatch?.(batch)
    },
    onHttpRequest: (request, response) =>
      // Nothing to show before the hub has started.
      (started !== undefined && serve(request, response)) || (options.onHttpRequest?.(request, response) ?? false),
  })
  const timer = setInterval(() => feed.tell(page.tick()), tickInMs)
  timer.unref()
  return {
    hub: started,
    url: urlOf(started),
    get producerProcessId() {
      return page.producerProcessId
    },
    close: async () => {
      clearInterval(timer)
      feed.close()
      await page.close()
      await hub().close()
    },
  }
}

/** The page answers this machine only, wherever else the hub listens. */
function urlOf({ host, httpPort }: LocalHub): string {
  const isEveryAddress = host === '0.0.0.0' || host === '::'
  const name = isEveryAddress ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${httpPort}/`
}
