/** Where the front door is, and the bearer key that it knows. */
class EventHubSluiceApi {
  constructor() {
    this.name = 'eventHubSluiceApi'
    this.displayName = 'Event Hub (Sluice) API'
    this.properties = [
      {
        displayName: 'URL',
        name: 'url',
        type: 'string',
        default: '',
        required: true,
        placeholder: 'https://door.example.com',
        description: 'Of the front door, with its base path if it has one, without a slash at the end',
      },
      {
        displayName: 'Key',
        name: 'key',
        type: 'string',
        typeOptions: { password: true },
        default: '',
        required: true,
        description: 'A bearer key of the front door',
      },
    ]
    this.authenticate = {
      type: 'generic',
      properties: { headers: { Authorization: '=Bearer {{$credentials.key}}' } },
    }
    this.test = { request: { baseURL: '={{$credentials.url}}', url: '/connection' } }
  }
}

// biome-ignore lint/style/noCommonJs: n8n loads nothing else
module.exports = { EventHubSluiceApi }
