/** The package's entry in Node: AMQP by default. */
export * from './exports.js'
