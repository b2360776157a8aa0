interface Label {
  readonly x: number
  readonly width: number
}

const gap = 4

/** For each label the row it stands in, from 0: the first in which no label before it is in its way. */
export function labelRows(labels: readonly Label[]): number[] {
  const placed: (Label & { readonly row: number })[] = []
  for (const label of labels) {
    const isInTheWay = (other: Label): boolean =>
      label.x < other.x + other.width + gap && other.x < label.x + label.width + gap
    const taken = new Set(placed.filter(isInTheWay).map(({ row }) => row))
    let row = 0
    while (taken.has(row)) row++
    placed.push({ ...label, row })
  }
  return placed.map(({ row }) => row)
}
