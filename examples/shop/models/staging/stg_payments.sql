select
    id as payment_id,
    order_id,
    method,
    (amount_cents / 100)::decimal(10, 2) as amount
from {{ ref('raw_payments') }}
{%- if var('lose_a_payment') %}
-- As if the payment provider's last file had come one line short.
where id < (select max(id) from {{ ref('raw_payments') }})
{%- endif %}
