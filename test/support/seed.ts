/** What random tests start from. Put it into the test's name; set SEED to run the same again. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
