-- Types that only functions of an earlier version used. A migration cannot drop them: until now those functions stood on them.
drop type if exists wallet.opening;
