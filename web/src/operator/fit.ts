/** How large tiles can be so that all of them fit a box without scrolling. */

export interface Box {
  readonly width: number
  readonly height: number
}

export interface TileFit {
  readonly columns: number
  readonly tileWidth: number
}

export interface TileShape {
  /** Pixels of text under the picture. */
  readonly caption: number
  readonly gap: number
  /** Below this a tile cannot be read; the wall scrolls instead. */
  readonly least: number
  readonly most: number
}

/** As the style sheet has them: on a large screen, and on a laptop. */
export const ROOMY: TileShape = { caption: 24, gap: 6, least: 84, most: 260 }
export const COMPACT: TileShape = { caption: 20, gap: 4, least: 76, most: 200 }

/** The number of columns that makes `count` 16:9 tiles largest inside `box`. */
export function fitTiles(count: number, box: Box, shape: TileShape): TileFit {
  let best: TileFit = { columns: 1, tileWidth: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns)
    const byWidth = (box.width - (columns - 1) * shape.gap) / columns
    const byHeight = ((box.height - (rows - 1) * shape.gap) / rows - shape.caption) * (16 / 9)
    const tileWidth = Math.floor(Math.min(byWidth, byHeight, shape.most))
    if (tileWidth > best.tileWidth) best = { columns, tileWidth }
  }
  if (best.tileWidth >= shape.least) return best
  const columns = Math.max(1, Math.floor((box.width + shape.gap) / (shape.least + shape.gap)))
  return { columns, tileWidth: shape.least }
}
