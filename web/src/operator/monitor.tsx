import { t } from '../shared/i18n'
import type { Streams } from '../shared/media/receive'
import { Icon } from '../shared/ui/icon'
import { SlotPicture } from '../shared/ui/media'
import { carriesMedia } from '../shared/ui/state'
import type { Layout, SiteCode } from '../shared/wire/types.gen'
import type { Desk } from './desk'

interface Props {
  readonly desk: Desk
  readonly kind: 'program' | 'preview'
  readonly streams: Streams
}

/** One of the two large pictures. */
export function Monitor({ desk, kind, streams }: Props) {
  const texts = t.value.operator
  const conference = desk.conference.value
  const program = desk.stage.value
  const preview = conference?.preview ?? null
  const layout: Layout = kind === 'program' ? program.layout : (preview?.layout ?? 'single')
  const sites: readonly SiteCode[] =
    kind === 'program' ? program.seats.map((seat) => seat.site) : (preview?.seats ?? [])
  const slides = kind === 'program' ? program.slides : desk.slidesOf(preview)
  const slot = kind === 'program' ? 'stage' : 'preview'
  const first = slides === null ? 1 : 2
  const live = carriesMedia(conference?.phase)
  const wanted = (kind === 'program' ? conference?.program : preview)?.slides ?? null
  const silent = wanted === null || slides !== null ? null : (desk.seat(wanted)?.name ?? wanted)
  return (
    <section
      class={`monitor ${kind}`}
      data-testid={kind}
      data-sites={sites.join(' ')}
      data-slides={slides?.site}
      data-live={kind === 'program' && live}
      aria-label={kind === 'program' ? texts.program : texts.preview}
    >
      <h2 class="monitor-title">
        <Icon name={kind === 'program' ? 'radio' : 'eye'} />
        {kind === 'program' ? texts.program : texts.preview}
        {kind === 'program' && !live && conference?.phase !== 'ended' ? (
          <small>{texts.notOnAirYet}</small>
        ) : null}
        {silent === null ? null : <small class="silent">{texts.slides.silent(silent)}</small>}
        {kind === 'preview' && sites.length > 0 ? (
          <button type="button" class="clear" onClick={() => desk.clearPreview()}>
            {texts.clearPreview}
          </button>
        ) : null}
      </h2>
      <div
        class="picture"
        data-layout={layout}
        data-count={sites.length}
        data-slides={slides?.site}
      >
        {slides === null ? null : (
          <SlidesCell
            key={`slides ${slides.site}`}
            desk={desk}
            name={slides.name}
            slot={`${slot}:1`}
            streams={streams}
          />
        )}
        {sites.length === 0 ? (
          <p class="empty">{kind === 'program' ? texts.programEmpty : texts.previewEmpty}</p>
        ) : (
          sites.map((site, index) => (
            <Cell
              key={site}
              desk={desk}
              site={site}
              slot={`${slot}:${index + first}`}
              streams={streams}
            />
          ))
        )}
      </div>
    </section>
  )
}

interface SlidesProps {
  readonly desk: Desk
  readonly name: string
  readonly slot: string
  readonly streams: Streams
}

/** A shared screen in a large picture. */
function SlidesCell({ desk, name, slot, streams }: SlidesProps) {
  const texts = t.value.operator.slides
  return (
    <figure class="cell slides" data-cell="slides" aria-label={texts.label(name)}>
      <SlotPicture
        slot={slot}
        slides
        streams={streams}
        paused={desk.socket.paused.value.has(slot)}
        slate={
          <div class="slate">
            <b>{texts.label(name)}</b>
            <span>{texts.slate}</span>
          </div>
        }
      />
    </figure>
  )
}

interface CellProps {
  readonly desk: Desk
  readonly site: SiteCode
  readonly slot: string
  readonly streams: Streams
}

/** A site in a large picture, or the slate that stands for it. */
function Cell({ desk, site, slot, streams }: CellProps) {
  const texts = t.value.operator
  const seat = desk.seat(site)
  const lost = seat !== null && desk.health(seat) === 'lost'
  const absent = seat === null || !seat.present
  return (
    <figure class="cell" data-cell={site}>
      <SlotPicture
        key={slot}
        slot={slot}
        streams={streams}
        paused={desk.socket.paused.value.has(slot)}
        slate={
          <div class="slate">
            <b>{seat?.name ?? site}</b>
            <span>
              {lost ? texts.slateLost : absent ? texts.slateAbsent : texts.slateNoPicture}
            </span>
          </div>
        }
      />
      <figcaption>
        <b>{site}</b> {seat?.name ?? ''}
      </figcaption>
    </figure>
  )
}
