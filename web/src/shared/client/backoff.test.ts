import { expect, test } from 'vitest'
import { Backoff } from './backoff'

test('doubles to its ceiling with jitter, and starts anew', () => {
  const backoff = new Backoff({ firstMs: 300, mostMs: 5_000, random: () => 0 })
  expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([
    300, 300, 600, 1_200, 2_400, 2_500, 2_500,
  ])
  backoff.reset()
  expect(backoff.next()).toBe(300)
})
