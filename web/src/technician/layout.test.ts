import { expect, test } from 'vitest'
import { gridFor } from './layout'

test.each([
  [1528, 944],
  [1888, 944],
  [1342, 650],
])('64 sites fit %i × %i without scrolling', (width, height) => {
  const { columns, rows, rowHeight } = gridFor(64, width, height)
  expect(columns * rows).toBeGreaterThanOrEqual(64)
  expect(rows * rowHeight + (rows - 1) * 4).toBeLessThanOrEqual(height)
  expect(width / columns).toBeGreaterThanOrEqual(215)
})

test('few sites get rows of a sane height', () => {
  expect(gridFor(3, 1_500, 900)).toEqual({ columns: 1, rows: 3, rowHeight: 58 })
})

test('a hundred on a small screen stay readable and scroll', () => {
  const { columns, rowHeight } = gridFor(100, 900, 400)
  expect(columns).toBe(4)
  expect(rowHeight).toBe(40)
})
