-- Accounts numbered 10000 to 19999 and one for the system; the ids are as long as those that pgledger makes.
insert into pgledger_accounts (id, name, currency, allow_negative_balance, allow_positive_balance, created_at, updated_at)
select 'pgla_' || lpad(n::text, 26, '0'), 'bench ' || n, 'UC', true, true, now(), now()
from generate_series(9999, 19999) as n;
