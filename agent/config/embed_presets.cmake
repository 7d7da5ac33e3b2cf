# Writes OUTPUT: the files PRESETS as C++ strings, for presets.cc.
set(table "")
foreach(preset IN LISTS PRESETS)
  get_filename_component(name ${preset} NAME_WE)
  file(READ ${preset} yaml)
  string(APPEND table "    {\"${name}\", R\"preset(${yaml})preset\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"agent/config/embedded_presets.h\"

namespace poolscope::config {
namespace {

constexpr EmbeddedPreset kPresets[] = {
${table}};

}  // namespace

std::span<const EmbeddedPreset> embedded_presets() {
  return kPresets;
}

}  // namespace poolscope::config
")
