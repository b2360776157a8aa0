// A complete Lambda function: deploy it behind an SQS queue with ReportBatchItemFailures. What the event hub did not accept
// comes again, and nothing else does. EVENTHUB_CONNECTION_STRING and EVENTHUB_NAME come from the environment.
import { forwardToEventHub } from 'eventhub-sluice/aws-lambda'

export const handler = forwardToEventHub()
