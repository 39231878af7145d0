select
    customers.customer_id,
    customers.customer_name,
    count(orders.order_id) as order_count,
    min(orders.ordered_on) as first_ordered_on,
    coalesce(sum(orders.amount), 0) as lifetime_value
from {{ ref('stg_customers') }} as customers
left join {{ ref('orders') }} as orders using (customer_id)
group by all
