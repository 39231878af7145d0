-- What a day may bring, drawn from the days there were. The draws are hashed, not random, so that
-- a forecast can be repeated; `forecast_samples` decides how many there are, and how long it takes.
with history as (
    select list(revenue order by ordered_on) as revenues
    from {{ ref('daily_revenue') }}
),

draws as (
    select revenues[1 + (hash(draw) % len(revenues))::bigint] as revenue
    from range({{ var('forecast_samples') | int }}) as draws (draw), history
)

select
    count(*) as samples,
    approx_quantile(revenue, 0.1) as low,
    approx_quantile(revenue, 0.5) as middle,
    approx_quantile(revenue, 0.9) as high
from draws
