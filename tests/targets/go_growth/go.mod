module go_growth

go 1.19
