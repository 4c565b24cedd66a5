/** How large tiles can be so that all of them fit a box without scrolling. */

export interface Box {
  readonly width: number
  readonly height: number
}

export interface TileFit {
  readonly columns: number
  readonly tileWidth: number
  readonly pictureHeight: number
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

/** So much wider than its picture a tile may be: room for the name, and for marks beside a face. */
const WIDENING = 1.25

/**
 * The number of columns that makes `count` 16:9 pictures largest inside `box`; tiles then take what
 * width is left over.
 */
export function fitTiles(count: number, box: Box, shape: TileShape): TileFit {
  let best = { columns: 1, width: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns)
    const byHeight = ((box.height - (rows - 1) * shape.gap) / rows - shape.caption) * (16 / 9)
    const width = Math.floor(Math.min(share(box, columns, shape), byHeight, shape.most))
    if (width > best.width) best = { columns, width }
  }
  if (best.width < shape.least) {
    const columns = Math.max(1, Math.floor((box.width + shape.gap) / (shape.least + shape.gap)))
    best = { columns, width: shape.least }
  }
  const widened = Math.min(share(box, best.columns, shape), best.width * WIDENING)
  return {
    columns: best.columns,
    tileWidth: Math.max(best.width, Math.floor(widened)),
    pictureHeight: Math.floor((best.width * 9) / 16),
  }
}

/** The width of one of so many columns. */
function share(box: Box, columns: number, shape: TileShape): number {
  return (box.width - (columns - 1) * shape.gap) / columns
}
