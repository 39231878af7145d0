select
    ordered_on,
    count(*) as order_count,
    sum(amount) as revenue
from {{ ref('orders') }}
group by ordered_on
