export { isOfStream } from './arrivals.js'
export { openInBrowser } from './browser.js'
export { type HubPageOptions, type HubWithPage, startHubWithPage } from './start.js'
