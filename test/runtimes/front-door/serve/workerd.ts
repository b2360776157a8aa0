import { fetchFromDoors } from '../doors.js'

export default { fetch: fetchFromDoors }
