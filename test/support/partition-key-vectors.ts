/** Key, hash as int16, partition of 4, partition of 32: as the service maps them. Both hashes here are held to these. */
export const partitionKeyVectors: readonly (readonly [
  key: string,
  hash: number,
  ofFour: number,
  ofThirtyTwo: number,
])[] = [
  ['', 0, 0, 0],
  ['a', -16220, 0, 28],
  ['abc', -14161, 1, 17],
  ['alphabet', -23478, 2, 22],
  ['Hello, World!', 28870, 2, 6],
  ['partition-key-0', -21566, 2, 30],
  ['device-42', -21548, 0, 12],
  ['0123456789ab', -17054, 2, 30],
  ['0123456789abc', -4167, 3, 7],
  ['0123456789abcdef01234567', -26328, 0, 24],
  ['Привет', -18841, 1, 25],
  ['日本語', -23353, 1, 25],
  ['😀', -17126, 2, 6],
]
