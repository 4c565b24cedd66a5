/** How many columns show all sites without scrolling. */

export interface BoardGrid {
  readonly columns: number
  readonly rows: number
  readonly rowHeight: number
}

const GAP = 4
/** Two readable lines. */
const LEAST_HEIGHT = 40
const MOST_HEIGHT = 58
const LEAST_WIDTH = 215

/** The fewest columns whose rows are high enough to read; as many as fit if none are. */
export function gridFor(count: number, width: number, height: number): BoardGrid {
  const most = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)))
  for (let columns = 1; columns <= most; columns += 1) {
    const rows = Math.max(1, Math.ceil(count / columns))
    const rowHeight = Math.floor((height - (rows - 1) * GAP) / rows)
    if (rowHeight >= LEAST_HEIGHT || columns === most) {
      const clamped = Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, rowHeight))
      return { columns, rows, rowHeight: clamped }
    }
  }
  return { columns: 1, rows: Math.max(1, count), rowHeight: LEAST_HEIGHT }
}
