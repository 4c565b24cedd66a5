import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import type { Desk } from './desk'
import { FILTERS } from './filter'
import { COMPACT, fitTiles, ROOMY, type TileFit } from './fit'
import { Tile } from './tile'

/** Room for a tile's frame at the box's edge; as in the style sheet. */
const PADDING = 6

interface Props {
  readonly desk: Desk
  readonly onColumns: (columns: number) => void
}

/** All sites at once, as large as the box allows. */
export function Wall({ desk, onColumns }: Props) {
  const texts = t.value.operator
  const box = useRef<HTMLDivElement>(null)
  const fit = useSignal<TileFit>({ columns: 13, tileWidth: 120, pictureHeight: 67 })
  const compact = useSignal(false)
  // the tiles keep their size while a filter hides some of them
  const count = desk.seats.value.length
  const shown = desk.shown.value
  const seats = desk.seats.value
  useEffect(() => {
    const element = box.current
    if (element === null || typeof ResizeObserver === 'undefined') return
    const observer = new ResizeObserver(() => {
      compact.value = window.innerHeight < 900
      const shape = compact.value ? COMPACT : ROOMY
      fit.value = fitTiles(
        count,
        { width: element.clientWidth - PADDING, height: element.clientHeight - PADDING },
        shape,
      )
      onColumns(fit.value.columns)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [count, fit, compact, onColumns])
  const streams = desk.receiver.value?.streams.value ?? new Map()
  const present = seats.filter((seat) => seat.present).length
  return (
    <section class="wall" aria-label={texts.wall}>
      <div class="wall-bar">
        <h2>{texts.wall}</h2>
        <span class="count" data-testid="present">
          {texts.present(present, seats.length)}
        </span>
        <HelpCalls desk={desk} />
        <SharedScreens desk={desk} />
        <span class="spacer" />
        <fieldset class="segmented" aria-label={texts.filter}>
          {FILTERS.map((filter) => (
            <button
              type="button"
              key={filter}
              aria-pressed={desk.filter.value === filter}
              onClick={() => {
                desk.filter.value = filter
              }}
            >
              {texts.filters[filter]}
            </button>
          ))}
        </fieldset>
        <Search desk={desk} />
      </div>
      <div class="wall-box" ref={box}>
        {shown.length === 0 && seats.length > 0 ? <p class="no-match">{texts.noMatch}</p> : null}
        <ul
          class={compact.value ? 'tiles compact' : 'tiles'}
          style={{
            gridTemplateColumns: `repeat(${fit.value.columns}, ${fit.value.tileWidth}px)`,
            '--picture': `${fit.value.pictureHeight}px`,
          }}
        >
          {shown.map((seat) => (
            <Tile key={seat.site} desk={desk} seat={seat} streams={streams} />
          ))}
        </ul>
      </div>
    </section>
  )
}

/** Sites that call for help, one press from the one that waits longest. */
function HelpCalls({ desk }: { desk: Desk }) {
  const calls = desk.helpCalls.value
  const first = calls[0]
  if (first === undefined) return null
  return (
    <button
      type="button"
      class="button small alert"
      data-testid="help-calls"
      data-count={calls.length}
      onClick={() => {
        desk.selected.value = first.site
      }}
    >
      <Icon name="lifeBuoy" />
      {t.value.queue.helpCalls(calls.length)}: {first.site} {first.name}
    </button>
  )
}

/** The others are found by the mark on their tile. */
const SHARED_SHOWN = 3

/** Sites that offer slides, one press from the preview. */
function SharedScreens({ desk }: { desk: Desk }) {
  const texts = t.value.operator.slides
  const preview = desk.prepared.scene.value
  return (
    <>
      {desk.sharing.value.slice(0, SHARED_SHOWN).map((seat) => (
        <button
          type="button"
          key={seat.site}
          class={preview?.slides === seat.site ? 'button small primary' : 'button small'}
          data-testid="shared-screen"
          data-shared={seat.site}
          aria-pressed={preview?.slides === seat.site}
          aria-label={texts.label(seat.name)}
          title={preview?.slides === seat.site ? texts.removeHint : texts.addHint}
          onClick={(event) => desk.toggleSlides(seat.site, event.shiftKey)}
        >
          <Icon name="presentation" />
          {seat.site} {seat.name}
        </button>
      ))}
    </>
  )
}

function Search({ desk }: { desk: Desk }) {
  const texts = t.value.operator
  const submit = (event: Event): void => {
    event.preventDefault()
    const first = desk.shown.value[0]
    if (desk.query.value.trim() === '' || first === undefined) return
    desk.preview(first.site)
    desk.query.value = ''
    document.getElementById('search')?.blur()
  }
  return (
    <search>
      <form class="search" onSubmit={submit}>
        <Icon name="search" />
        <input
          id="search"
          class="field"
          type="search"
          autocomplete="off"
          aria-label={texts.search}
          placeholder={texts.searchHint}
          data-testid="search"
          value={desk.query.value}
          onInput={(event) => {
            desk.query.value = event.currentTarget.value
          }}
        />
        <kbd>/</kbd>
      </form>
    </search>
  )
}
