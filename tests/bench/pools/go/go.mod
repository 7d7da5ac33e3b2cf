module poolscope/bench/pools

go 1.19
