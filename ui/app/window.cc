#include "ui/app/window.h"

#include <algorithm>
#include <cmath>

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <imgui.h>

namespace poolscope::viewer {
namespace {

constexpr const char* kGlslVersion = "#version 130";

std::string glfw_problem(const std::string& what) {
  const char* description = nullptr;
  glfwGetError(&description);
  return what + (description != nullptr ? std::string(": ") + description : "");
}

}  // namespace

Result<std::unique_ptr<Window>, std::string> Window::open(int width, int height) {
  if (glfwInit() == GLFW_FALSE) {
    return Failure{glfw_problem("no display can be used") +
                   "; set DISPLAY, or run it as `xvfb-run poolscope-viewer ... --screenshot FILE` where there is none"};
  }
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 0);
  GLFWwindow* handle = glfwCreateWindow(width, height, "poolscope", nullptr, nullptr);
  if (handle == nullptr) {
    std::string problem = glfw_problem("no window with OpenGL 3.0 can be opened");
    glfwTerminate();
    return Failure{problem + "; on Debian the package libgl1-mesa-dri draws without a graphics card"};
  }
  std::unique_ptr<Window> window(new Window(handle));
  glfwMakeContextCurrent(handle);
  glfwSwapInterval(1);
  glfwSetWindowUserPointer(handle, window.get());
  glfwSetDropCallback(handle, [](GLFWwindow* dropped_on, int count, const char** paths) {
    if (count > 0) static_cast<Window*>(glfwGetWindowUserPointer(dropped_on))->dropped_ = paths[0];
  });
  IMGUI_CHECKVERSION();
  ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;  // nothing in it is worth remembering
  ImGui_ImplGlfw_InitForOpenGL(handle, true);
  ImGui_ImplOpenGL3_Init(kGlslVersion);
  return window;
}

Window::~Window() {
  ImGui_ImplOpenGL3_Shutdown();
  ImGui_ImplGlfw_Shutdown();
  ImGui::DestroyContext();
  glfwDestroyWindow(window_);
  glfwTerminate();
}

void Window::wake_up() {
  glfwPostEmptyEvent();
}

void Window::wait(double seconds) {
  if (seconds < 0) {
    glfwWaitEvents();
  } else if (seconds == 0) {
    glfwPollEvents();
  } else {
    glfwWaitEventsTimeout(seconds);
  }
}

bool Window::is_closed() const {
  return glfwWindowShouldClose(window_) != GLFW_FALSE;
}

bool Window::is_hidden() const {
  return glfwGetWindowAttrib(window_, GLFW_ICONIFIED) != GLFW_FALSE;
}

void Window::size(int& width, int& height) const {
  glfwGetWindowSize(window_, &width, &height);
}

void Window::set_look(const Theme& theme, float scale) {
  float screen_x = 1, screen_y = 1;
  glfwGetWindowContentScale(window_, &screen_x, &screen_y);
  const float wanted = std::clamp(scale * std::max(screen_x, 0.5F), 0.5F, 6.0F);
  if (std::abs(wanted - scale_) > 0.001F) {
    scale_ = wanted;
    fonts_ = load_fonts(*ImGui::GetIO().Fonts, scale_);
    ImGui_ImplOpenGL3_DestroyFontsTexture();
    ImGui_ImplOpenGL3_CreateFontsTexture();
  }
  apply(theme, scale_);
}

void Window::start_input() {
  ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplGlfw_NewFrame();
}

void Window::start_frame() {
  ImGui::NewFrame();
}

void Window::end_frame(const Theme& theme) {
  ImGui::Render();
  int width = 0, height = 0;
  glfwGetFramebufferSize(window_, &width, &height);
  const ImVec4 background = ImGui::ColorConvertU32ToFloat4(theme.background);
  glViewport(0, 0, width, height);
  glClearColor(background.x, background.y, background.z, 1);
  glClear(GL_COLOR_BUFFER_BIT);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
}

Picture Window::picture() const {
  Picture picture;
  glfwGetFramebufferSize(window_, &picture.width, &picture.height);
  picture.rgba.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 4);
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, picture.width, picture.height, GL_RGBA, GL_UNSIGNED_BYTE, picture.rgba.data());
  for (std::size_t i = 3; i < picture.rgba.size(); i += 4) picture.rgba[i] = 255;
  return picture;
}

void Window::show_frame() {
  glfwSwapBuffers(window_);
}

}  // namespace poolscope::viewer
