/** The package's entry in Workers and browsers: HTTPS by default, and nothing of Node in the bundle. */
export * from './exports.js'
