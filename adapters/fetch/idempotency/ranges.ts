/** Whole numbers, in any order, as text, such as `0-8,10`: a thousand neighbours take five characters. */
export function writeRanges(numbers: Iterable<number>): string {
  const ranges: [first: number, last: number][] = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const open = ranges.at(-1)
    if (open !== undefined && open[1] === number - 1) open[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join()
}

/** What `writeRanges` wrote. */
export function readRanges(text: string): Set<number> {
  const numbers = new Set<number>()
  for (const range of text === '' ? [] : text.split(',')) {
    const [first = '', last = first] = range.split('-')
    for (let number = Number(first); number <= Number(last); number += 1) numbers.add(number)
  }
  return numbers
}
