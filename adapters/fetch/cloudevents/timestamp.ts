/** RFC 3339, section 5.6 (`date-time`). */
const dateTime = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** Whether `text` is an RFC 3339 timestamp: an existing day, an offset, and a leap second only where one can be. */
export function isTimestamp(text: string): boolean {
  const match = dateTime.exec(text)
  if (match === null) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const offsetHour = Number(match[8] ?? 0)
  const offsetMinute = Number(match[9] ?? 0)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  const offsetInMinutes = (match[7] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const minuteOfDay = (hour * 60 + minute - offsetInMinutes + 2 * minutesPerDay) % minutesPerDay
  return minuteOfDay === minutesPerDay - 1
}

const minutesPerDay = 24 * 60

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
