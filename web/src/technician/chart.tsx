import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Rest } from '../shared/client/rest'
import { t } from '../shared/i18n'
import type { ConferenceId, SiteCode, SiteHistory } from '../shared/wire/types.gen'
import { kilobits, milliseconds, percent } from './format'
import { barsOf, HEIGHT, lineOf, WIDTH } from './history'

const REFRESH_MS = 10_000

interface Props {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly site: SiteCode
}

/** The last quarter of an hour: states as a strip, figures as lines. */
export function History({ rest, conference, site }: Props) {
  const texts = t.value
  const words = texts.technician
  const history = useSignal<SiteHistory | null>(null)
  const failed = useSignal(false)
  useEffect(() => {
    let current = true
    history.value = null
    const load = (): void => {
      rest.history(conference, site).then(
        (loaded) => {
          if (!current) return
          history.value = loaded
          failed.value = false
        },
        () => {
          if (current) failed.value = true
        },
      )
    }
    load()
    const timer = setInterval(load, REFRESH_MS)
    return () => {
      current = false
      clearInterval(timer)
    }
  }, [rest, conference, site, history, failed])
  const shown = history.value
  const { locale } = texts
  return (
    <section class="history" data-testid="history" data-points={shown?.points.length ?? 0}>
      <h3>{words.history}</h3>
      {failed.value && shown === null ? <p class="hint">{words.historyFailed}</p> : null}
      {shown === null ? null : shown.points.length === 0 ? (
        <p class="hint">{words.historyNone}</p>
      ) : (
        <>
          <svg
            class="strip"
            viewBox={`0 0 ${WIDTH} 10`}
            preserveAspectRatio="none"
            role="img"
            aria-label={words.historyStates}
          >
            {barsOf(shown).map(({ state, lost, x, width }) => (
              <rect
                key={x}
                x={x}
                y={lost ? 5 : 0}
                width={width}
                height={lost ? 5 : 10}
                data-tone={state}
              />
            ))}
          </svg>
          <Chart
            name={words.rtt}
            line={lineOf(shown, (point) => point.rtt_s, 0.1)}
            most={(value) => milliseconds(value)}
          />
          <Chart
            name={words.loss}
            line={lineOf(shown, (point) => point.loss_ratio, 0.05)}
            most={(value) => percent(value, locale)}
          />
          <Chart
            name={words.bitrate}
            line={lineOf(shown, (point) => point.bitrate_bps, 1)}
            most={(value) => kilobits(value, locale)}
          />
          <p class="axis" aria-hidden="true">
            <span>{words.historyFrom}</span>
            <span>{words.historyTo}</span>
          </p>
        </>
      )}
    </section>
  )
}

interface ChartProps {
  readonly name: string
  readonly line: ReturnType<typeof lineOf>
  readonly most: (value: number | null) => string
}

function Chart({ name, line, most }: ChartProps) {
  const label = t.value.technician.most(most(line.most))
  return (
    <figure class="chart">
      <figcaption>
        <span>{name}</span>
        <span>{label}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name}: ${label}`}
      >
        <path d={line.path} />
      </svg>
    </figure>
  )
}
