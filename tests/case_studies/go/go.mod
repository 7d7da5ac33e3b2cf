module case_studies

go 1.19
