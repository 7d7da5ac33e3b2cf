# The commands that need eBPF. Included by CMakeLists.txt when POOLSCOPE_BPF is on.
find_package(fmt REQUIRED)
target_sources(poolscope PRIVATE
  advice_book.cc go_plan.cc hosted_pools.cc measure_agent.cc measure_attach.cc measure_common.cc measure_doctor.cc measure_plan.cc measure_pools.cc measure_run.cc measuring.cc plan_first_look.cc)
target_link_libraries(poolscope PRIVATE poolscope::advice poolscope::sampler poolscope::api poolscope::recording fmt::fmt)
