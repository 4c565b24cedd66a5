import { expect, test } from 'vitest'
import { type Box, COMPACT, fitTiles, ROOMY, type TileShape } from './fit'

function fits(count: number, box: Box, shape: TileShape): boolean {
  const { columns, tileWidth, pictureHeight } = fitTiles(count, box, shape)
  const rows = Math.ceil(count / columns)
  const width = columns * tileWidth + (columns - 1) * shape.gap
  const height = rows * (pictureHeight + shape.caption) + (rows - 1) * shape.gap
  return width <= box.width && height <= box.height
}

test.each([
  [1886, 524, ROOMY],
  [1340, 366, COMPACT],
])('64 tiles fit %i × %i', (width, height, shape) => {
  expect(fits(64, { width, height }, shape)).toBe(true)
})

test('no other number of columns makes larger pictures', () => {
  const box = { width: 1892, height: 530 }
  const best = fitTiles(64, box, ROOMY)
  for (let columns = 1; columns <= 64; columns += 1) {
    const rows = Math.ceil(64 / columns)
    const byWidth = (box.width - (columns - 1) * 6) / columns
    const byHeight = (((box.height - (rows - 1) * 6) / rows - 24) * 16) / 9
    const height = Math.floor((Math.floor(Math.min(byWidth, byHeight)) * 9) / 16)
    expect(height).toBeLessThanOrEqual(best.pictureHeight)
  }
})

test('a low box is used in its whole width, within measure', () => {
  const { columns, tileWidth, pictureHeight } = fitTiles(64, { width: 1340, height: 346 }, COMPACT)
  expect(columns * (tileWidth + COMPACT.gap)).toBeGreaterThan(1340 - columns)
  expect(tileWidth / pictureHeight).toBeLessThan(2.3)
})

test('few tiles do not grow without bound', () => {
  const { tileWidth, pictureHeight } = fitTiles(2, { width: 1892, height: 900 }, ROOMY)
  expect({ tileWidth, pictureHeight }).toEqual({ tileWidth: 325, pictureHeight: 146 })
})

test('too many keep a readable size and scroll', () => {
  const fit = fitTiles(400, { width: 900, height: 300 }, ROOMY)
  expect(fit.tileWidth).toBe(84)
  expect(fit.columns).toBe(10)
  expect(fit.pictureHeight).toBe(47)
})
